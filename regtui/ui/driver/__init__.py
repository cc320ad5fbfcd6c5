"""A driver for Textual that writes only the cells that changed. It knows nothing of regtui:

App(driver_class=DifferenceDriver)                          # in a program
TEXTUAL_DRIVER=regtui.ui.driver:DifferenceDriver posting    # any Textual app, from outside
"""

from regtui.ui.driver.driver import DifferenceDriver
from regtui.ui.driver.terminal import Terminal

__all__ = ["DifferenceDriver", "Terminal"]
