"""Text that would do something if it were taken for markup, a template or an address; it sets `window.hostile`."""

HOSTILE_TEXTS = (
    "<script>window.hostile=1</script>",
    "<img src=x onerror=window.hostile=1>",
    '"><svg onload=window.hostile=1>',
    "'-(window.hostile=1)-'",
    "javascript:window.hostile=1",
    "${window.hostile=1}{{window.hostile=1}}",
    "&lt;b&gt;&amp;#x3c;script&gt;",
    "</textarea></title></style><iframe srcdoc='<script>parent.hostile=1</script>'>",
)
