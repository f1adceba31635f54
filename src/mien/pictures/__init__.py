"""Any stage of any sample or video as a picture."""

from mien.pictures._registry import STAGES, StagePicture
from mien.pictures.show import show

__all__ = ["STAGES", "StagePicture", "show"]
