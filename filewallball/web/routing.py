"""Finds the rule of a request for `/word/<value>` or a whole address at once; in any doubt werkzeug searches.

Its search reads the host, compiles expressions and walks a tree for each request. `python -m benchmarks.shortcuts`: a
download takes 12 to 18 % less processor time. What is found here is what it would find: the rules are its own. To be
rid of it, have `Cycle` in `web/cycle.py` search each time, and remove this file.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from typing import Any
from urllib.parse import urlunsplit

from werkzeug.routing import Map, MapAdapter, Rule, UnicodeConverter

_SIMPLE = re.compile(r"/([a-z]+)/<([a-z_]+)>")
_SEARCHED = ("OPTIONS", "TRACE")


@dataclass(frozen=True, slots=True)
class Shortcuts:
    """The rules that a first word and a method alone lead to, with the name of their one value, and those of whole
    addresses."""

    rules: Mapping[tuple[str, str], tuple[Rule, str]]
    whole: Mapping[tuple[str, str], Rule]

    @classmethod
    def of(cls, url_map: Map) -> "Shortcuts":
        """Those of a map, without words that another rule might claim."""
        found: dict[tuple[str, str], tuple[Rule, str]] = {}
        claimed = set()
        for rule in url_map.iter_rules():
            simple = _SIMPLE.fullmatch(rule.rule)
            if simple is None or not _is_plain(rule, simple[2]):
                word, slash, rest = rule.rule[1:].partition("/")
                if slash and not _is_deeper(rule, rest):
                    claimed.add(word)
                continue
            for method in (rule.methods or set()).difference(_SEARCHED):
                if (simple[1], method) in found:
                    claimed.add(simple[1])
                found[simple[1], method] = rule, simple[2]
        return cls({key: value for key, value in found.items() if key[0] not in claimed}, _whole(url_map))

    def find(self, environ: Mapping[str, Any]) -> tuple[Rule, dict[str, str]] | None:
        """The rule and its value for a request, if they are that plain."""
        path: str = environ.get("PATH_INFO", "")
        word, _, value = path[1:].partition("/")
        if "HTTP_UPGRADE" in environ:
            return None
        known = self.rules.get((word, environ["REQUEST_METHOD"]))
        if known is None or not value:
            rule = self.whole.get((path, environ["REQUEST_METHOD"]))
            return None if rule is None else (rule, {})
        if "/" in value or path[0] != "/" or not value.isascii():
            return None
        rule, name = known
        return rule, {name: value}


def _whole(url_map: Map) -> dict[tuple[str, str], Rule]:
    """The only rules of addresses without values, which werkzeug prefers to any with one."""
    found: dict[tuple[str, str], Rule] = {}
    doubtful = set()
    for rule in url_map.iter_rules():
        if "<" in rule.rule or rule.build_only or _is_special(rule):
            continue
        for method in (rule.methods or set()).difference(_SEARCHED):
            if (rule.rule, method) in found:
                doubtful.add(rule.rule)
            found[rule.rule, method] = rule
    return {key: rule for key, rule in found.items() if key[0] not in doubtful}


class LateRule(Rule):
    """A rule that learns to build addresses when it is first asked for one: most never are, and to compile how takes
    longer than the rest of `create_app`."""

    def _compile_builder(self, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
        builder = cache(partial(super()._compile_builder, append_unknown))

        def build(rule: Rule, /, **values: Any) -> tuple[str, str]:
            return builder()(rule, **values)

        return build


class RelativeMap(Map):
    """A map that redirects without naming a host: which one, and by which scheme, the client knows best."""

    def bind_to_environ(self, *arguments: Any, **options: Any) -> MapAdapter:
        adapter = super().bind_to_environ(*arguments, **options)
        adapter.__class__ = _RelativeAdapter
        return adapter


class _RelativeAdapter(MapAdapter):
    def make_redirect_url(
        self,
        path_info: str,
        query_args: Mapping[str, Any] | str | None = None,
        domain_part: str | None = None,
    ) -> str:
        """The path alone; after one slash, for two would begin a host."""
        path = f"{self.script_name.rstrip('/')}/{path_info.lstrip('/')}"
        arguments = self.query_args if query_args is None else query_args
        query = self.encode_query_args(arguments) if arguments else ""
        return urlunsplit(("", "", path, query, ""))


def _is_deeper(rule: Rule, rest: str) -> bool:
    """True if a rule takes more than one part after its first word, whatever its values are."""
    return "/" in rest.rstrip("/") and all(
        converter.part_isolating for converter in rule._converters.values()
    )


def _is_plain(rule: Rule, name: str) -> bool:
    converter = rule._converters.get(name)
    return type(converter) is UnicodeConverter and converter.regex == "[^/]{1,}" and not _is_special(rule)


def _is_special(rule: Rule) -> bool:
    return bool(
        rule.defaults or rule.redirect_to or rule.websocket or rule.alias or rule.subdomain or rule.host
    )
