"""What the garbage screen is made of: what is freed, the stages, the commands and the log, how pushes are kept out."""

from regtui.ui.widgets.garbage.board import Board, Phase
from regtui.ui.widgets.garbage.lines import FreedLines, LogLines, StepLines, TextLines
from regtui.ui.widgets.garbage.ways import Ways

__all__ = ["Board", "FreedLines", "LogLines", "Phase", "StepLines", "TextLines", "Ways"]
