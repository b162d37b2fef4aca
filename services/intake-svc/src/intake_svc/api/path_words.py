"""What stands in the paths of calls, said once for the documents."""

from typing import Annotated

from fastapi import Path

from intake_svc.domain.feedback import Milestone

SourceName = Annotated[str, Path(description="来源系统。System that sent the call.", examples=["hongkou-110"])]
CallNumber = Annotated[
    str, Path(description="来源系统的接警单编号。The source's number of the call.", examples=["310109202601010001"])
]
BlockName = Annotated[str, Path(description="不得调解情形的代码。Code of the block.", examples=["X_DV"])]
MilestoneName = Annotated[
    Milestone,
    Path(
        description="反馈节点：签收、受理、结果、结案。The milestone: signed, accepted, result or closed.",
        examples=["signed"],
    ),
]
