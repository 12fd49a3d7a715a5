"""The table of a compression."""

from mmtts.compression import Report, Row, Skipped


def report() -> Report:
    rows = [
        Row("blocks.0", "qk", 16, 12, 3.0, 0.2, 200, 150),
        Row("blocks.0", "mlp", 64, 48, 0.5, 0.05, 1000, 750),
    ]
    skipped = [Skipped(f"blocks.{i}", "qk", "its queries are normalized") for i in (1, 2)]
    skipped.append(Skipped("head", "mlp", "no adapter knows Head"))
    return Report(rows, skipped, parameters_before=5000, parameters=4700)


def test_one_line_per_layer_and_part() -> None:
    lines = report().table().splitlines()
    assert len(report()) == 2 and len(lines) == 1 + 2 + 2 + 2
    assert lines[1].split() == ["blocks.0", "qk", "12/16", "3", "20.00", "%", "200", "->", "150"]
    assert lines[2].split()[1:5] == ["mlp", "48/64", "0.5", "5.00"]


def test_like_layers_that_stayed_share_a_line() -> None:
    lines = report().table().splitlines()
    assert lines[3] == "blocks.1, blocks.2 qk: left as they are, its queries are normalized"
    assert lines[4] == "head mlp: left as it is, no adapter knows Head"


def test_totals_are_of_what_is_compressed_and_of_the_whole_model() -> None:
    lines = report().table().splitlines()
    assert lines[5] == "compressed matrices: 1,200 -> 900 (-25.0 %)"
    assert lines[6] == "parameters of the model: 5,000 -> 4,700 (-6.0 %)"


def test_columns_line_up() -> None:
    header, first, second = report().table().splitlines()[:3]
    assert len(header) == len(first) == len(second)
