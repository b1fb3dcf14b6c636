"""Pictures of results.

matplotlib, of the extra ``plot``, is imported only when a picture is drawn. Figures are made
without pyplot: no display is needed, and nothing global is changed. Names come from files and
plugins, so what could steer a terminal, or what a font lacks, is drawn as a question mark.
"""

from qcos_core.model.pictures.figure import check_path
from qcos_core.model.pictures.histogram import plot
from qcos_core.model.pictures.sweep import sweep
from qcos_core.model.pictures.timeline import timeline

__all__ = ["check_path", "plot", "sweep", "timeline"]
