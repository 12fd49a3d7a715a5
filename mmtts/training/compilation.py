"""torch.compile for the networks of a stage."""

from __future__ import annotations

from torch import nn

NETWORKS = "mmtts.networks"


def compile_networks(stage: nn.Module, how: bool | str) -> None:
    """Let what a stage calls of its networks be compiled, when it is called first.

    That is a whole network, or each part of one that is made of parts which the stage calls one by
    one. Losses stay as they are: processes talk to each other in them. Names of weights do not
    change, so checkpoints and model folders do not either.

    Args:
        stage: Its networks are those of `mmtts.networks`.
        how: True for torch's own choice, or the name of a backend, such as "aot_eager"; False for
            nothing.
    """
    if not how:
        return
    options = {} if how is True else {"backend": how}
    for network in stage.children():
        if type(network).__module__.startswith(NETWORKS):
            for part in (network, *network.children()):
                part.compile(**options)
