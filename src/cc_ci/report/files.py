"""The files beside results.json: what other tools read."""

from cc_ci.report.junit import junit
from cc_ci.report.perfetto import perfetto
from cc_ci.results.schema import RunResult
from cc_ci.results.store import RunFolder
from cc_ci.system.files import write_private


def write_files(result: RunResult, folder: RunFolder) -> None:
    """Write junit.xml and trace.json of a run into its folder."""
    write_private(folder.junit, junit(result))
    write_private(folder.trace, perfetto(result))
