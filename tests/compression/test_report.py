"""The table of a compression."""

from mmtts.compression import Report, Row, Skipped


def report() -> Report:
    rows = [
        Row("blocks.0", "qk", head, 16, 12, loss, share, 100, 75)
        for head, loss, share in ((0, 1.0, 0.1), (1, 2.0, 0.3))
    ]
    rows.append(Row("blocks.0", "mlp", None, 64, 48, 0.5, 0.05, 1000, 750))
    skipped = [Skipped("blocks.1", "qk", "its queries are normalized")]
    return Report(rows, skipped, parameters_before=5000, parameters=4700)


def test_heads_are_merged_into_one_line_per_layer_and_part() -> None:
    lines = report().table().splitlines()
    assert len(report()) == 3 and len(lines) == 1 + 2 + 1 + 1
    assert lines[1].split() == ["blocks.0", "qk", "12/16", "3", "20.00", "%", "200", "->", "150"]
    assert lines[2].split()[1:5] == ["mlp", "48/64", "0.5", "5.00"]
    assert lines[3] == "blocks.1 qk: left as it is, its queries are normalized"
    assert lines[4] == "parameters: 5,000 -> 4,700 (-6.0 %)"


def test_columns_line_up() -> None:
    header, first, second = report().table().splitlines()[:3]
    assert len(header) == len(first) == len(second)
