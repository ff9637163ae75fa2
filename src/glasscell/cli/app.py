"""The command line: one command a file, errors as one sentence, exit codes by error class."""

from __future__ import annotations

import typer

from glasscell.cli.apply import apply_command
from glasscell.cli.attend import attend_command
from glasscell.cli.check import check_command
from glasscell.cli.compare import compare_command
from glasscell.cli.console import STDERR, say
from glasscell.cli.contrast import contrast_command
from glasscell.cli.doctor import doctor_command
from glasscell.cli.edges import edges_command
from glasscell.cli.explain import explain_command
from glasscell.cli.figure import figure_command
from glasscell.cli.fit import fit_command
from glasscell.cli.gene_pairs import gene_pairs_command, label_efficiency_command
from glasscell.cli.generate import generate_command
from glasscell.cli.info import info_command
from glasscell.cli.learn_action import learn_action_command
from glasscell.cli.nodes import nodes_command
from glasscell.cli.open_scvi import open_scvi_command
from glasscell.cli.pathways import pathways_command
from glasscell.cli.perturb import perturb_command
from glasscell.cli.prepare import prepare_command
from glasscell.cli.report import report_command
from glasscell.cli.robustness import robustness_command
from glasscell.cli.spatial_genes import spatial_genes_command
from glasscell.cli.stability import stability_command
from glasscell.cli.traverse import traverse_command
from glasscell.cli.view import demo_command, view_command
from glasscell.errors import GlasscellError

app = typer.Typer(
    name="glasscell",
    help="See through a deep-learning model of cells: train, explain, and look at the reasons on the tissue.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("info")(info_command)
app.command("prepare")(prepare_command)
app.command("check")(check_command)
app.command("fit")(fit_command)
app.command("generate")(generate_command)
app.command("apply")(apply_command)
app.command("explain")(explain_command)
app.command("attend")(attend_command)
app.command("perturb")(perturb_command)
app.command("learn-action")(learn_action_command)
app.command("traverse")(traverse_command)
app.command("stability")(stability_command)
app.command("pathways")(pathways_command)
app.command("nodes")(nodes_command)
app.command("gene-pairs")(gene_pairs_command)
app.command("label-efficiency")(label_efficiency_command)
app.command("edges")(edges_command)
app.command("robustness")(robustness_command)
app.command("compare")(compare_command)
app.command("contrast")(contrast_command)
app.command("spatial-genes")(spatial_genes_command)
app.command("open-scvi")(open_scvi_command)
app.command("figure")(figure_command)
app.command("report")(report_command)
app.command("doctor")(doctor_command)
app.command("view")(view_command)
app.command("demo")(demo_command)


def run(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit code.

    Returns
    -------
    0 done, 1 unexpected, 2 wrong usage, 3 data, 4 model, 5 the two do not fit, 130 cancelled.
    """
    try:
        app(args=arguments)
    except GlasscellError as error:
        say(str(error), style="red")
        return error.exit_code
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0
    except Exception:
        STDERR.print_exception()
        say("This is a fault of Glasscell; please report it with the lines above.", style="red")
        return 1
    return 0
