"""The colours of a picture, for light and for dark, and the rules of style made of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

PALETTE: Mapping[str, tuple[str, str]] = {
    "paper": ("#ffffff", "#11161d"),
    "card": ("#ffffff", "#1a212b"),
    "edge": ("#c3ccd6", "#3b4757"),
    "ink": ("#1b2430", "#e7ecf2"),
    "dim": ("#5a6675", "#9ba8b7"),
    "net": ("#2f6fb0", "#6aa9e6"),
    "wire": ("#7d97b2", "#5e7a98"),
    "soft": ("#eef3f8", "#232d3a"),
    "add": ("#1a7f37", "#56c271"),
    "change": ("#8a5a00", "#e0ac45"),
    "remove": ("#bc2a30", "#ff8078"),
    "warn": ("#a3470f", "#f29a5b"),
}
"""Each in light and in dark; texts have a contrast of 4.5 or more on cards and on paper."""
SANS = "system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,'DejaVu Sans',sans-serif"
MONO = "ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace"
TONES = ("add", "change", "remove", "warn")
Colour = Callable[[str], str]


def light(name: str) -> str:
    """The colour on white."""
    return PALETTE[name][0]


def dark(name: str) -> str:
    """The colour on black."""
    return PALETTE[name][1]


def variable(name: str) -> str:
    """The colour as a variable, of a page that can switch."""
    return f"var(--{name})"


def coloured(colour: Colour) -> str:
    """The rules that have colours in them."""
    rules = [
        f".paper{{fill:{colour('paper')}}}",
        f".ink{{fill:{colour('ink')}}}",
        f".dim{{fill:{colour('dim')}}}",
        f".card>rect{{fill:{colour('card')};stroke:{colour('edge')}}}",
        f".port{{fill:{colour('soft')}}}",
        f".guest{{fill:{colour('soft')};stroke:{colour('edge')}}}",
        f".bar{{fill:{colour('net')}}}",
        f".wire{{stroke:{colour('wire')}}}",
        f".halo{{stroke:{colour('paper')}}}",
        f".tap{{fill:{colour('paper')};stroke:{colour('net')}}}",
    ]
    for tone in TONES:
        value = colour(tone)
        rules.append(f".t-{tone}{{fill:{value}}}.bar.t-{tone},.wire.t-{tone}{{fill:{value}}}")
        rules.append(f".wire.t-{tone},.card.t-{tone}>rect.body{{stroke:{value}}}")
        rules.append(f".tap.t-{tone}{{fill:{colour('paper')};stroke:{value}}}")
        rules.append(f".badge.t-{tone}{{stroke:{value};fill:{colour('card')}}}")
        rules.append(f".card.t-{tone}>rect.body{{fill:{colour('card')}}}")
    return "".join(rules)


SHAPES = (
    f"text{{font-family:{SANS}}}.mono{{font-family:{MONO}}}"
    ".title{font-size:20px;font-weight:650}.sub{font-size:13px}"
    ".name{font-size:13.5px;font-weight:650}.plain{font-size:11.5px}.small{font-size:10.5px}"
    ".strong{font-weight:600}.wire{fill:none!important;stroke-width:1.5}"
    ".halo{fill:none;stroke-width:7}.tap{stroke-width:2}"
    ".gone{stroke-dasharray:5 4}.body{stroke-width:1.2}"
    ".signed>rect.body{stroke-width:2}.foreign>rect.body{stroke-dasharray:5 3}"
    ".badge,.guest{stroke-width:1}.end{text-anchor:end}"
)
"""The rules without colours."""


def style(colour: Colour = light) -> str:
    """The style of a picture that stands alone; light and dark as its viewer is."""
    if colour is not light:
        return SHAPES + coloured(colour)
    return f"{SHAPES}{coloured(light)}@media (prefers-color-scheme:dark){{{coloured(dark)}}}"
