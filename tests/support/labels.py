"""Names that a program may give its modules, and that no file format must stumble over."""

from typing import Final

HOSTILE: Final = [
    "quotes \" and ' both",
    "<script>alert(1)</script>",
    "a && b < c > d",
    "]]> --> <!-- <![CDATA[",
    "&amp; &#0; &undefined;",
    "nul \x00, bell \x07, escape \x1b, delete \x7f",
    "c1 \x80\x9f",
    "lone \ud800 and \udfff",
    "not characters \ufffe \uffff",
    "line\nbreak\ttab\rreturn",
    "line separator \u2028 \u2029",
    "right to left עברית العربية",
    "override \u202eevil\u202c",
    "emoji 👩‍🔬 and 𝔘𝔫𝔦𝔠𝔬𝔡𝔢",
    "combining ḗ̸" + "\u0301" * 50,
    "畳み込み層",
    "back\\slash \\n \\l",
    "%s {0} ${x} {{data}} {{script}}",
    "</script><!-- <script>",
    "x" * 10_000,
    "word " * 2_000,
    "",
    " ",
]
