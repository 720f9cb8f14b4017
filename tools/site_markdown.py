"""Markdown of lessons and documents as HTML that asks nothing of other machines.

Formulas become MathML, which browsers draw themselves.
"""

import html
import re
from collections.abc import Callable

from latex2mathml.converter import convert
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

Resolve = Callable[[str], str | None]  # a link as written -> as on the page; None: it has no page


class PageRenderer(IPythonRenderer):
    """Write HTML for one page.

    Attributes:
        resolve: says where links and images of this page lead.
        headings: (level, id, HTML) of every heading so far.
    """

    def __init__(self, resolve: Resolve):
        """Begin a page.

        Args:
            resolve: given a link as it is written, returns it as it must be on this page, or None
                if what it names is not on the site.
        """
        super().__init__(escape=False, exclude_anchor_links=True)
        self.resolve = resolve
        self.headings: list[tuple[int, str, str]] = []

    def heading(self, text: str, level: int, **attrs: object) -> str:
        """Write a heading that can be linked to."""
        plain = html.unescape(re.sub(r"<[^>]+>", "", text))
        name = re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")
        self.headings.append((level, name, text))
        return f'<h{level} id="{name}">{text}</h{level}>\n'

    def link(self, text: str, url: str, title: str | None = None) -> str:
        """Write a link, or its text alone if the site has no such page."""
        target = self.resolve(url)
        return text if target is None else f'<a href="{html.escape(target)}">{text}</a>'

    def image(self, text: str, url: str, title: str | None = None) -> str:
        """Write an image, or nothing if the site does not have it."""
        target = self.resolve(url)
        if target is None:
            return ""
        return f'<img src="{html.escape(target)}" alt="{html.escape(text)}">'

    def codespan(self, text: str) -> str:
        """Write a word of code; the name of a lesson leads to it."""
        code = f"<code>{html.escape(text)}</code>"
        if not re.fullmatch(r"\d\d_\w+(\.ipynb)?", text):
            return code
        target = self.resolve(f"notebooks/{text.removesuffix('.ipynb')}.ipynb")
        return code if target is None else f'<a href="{target}">{code}</a>'

    def table(self, text: str) -> str:
        """Write a table that can be scrolled where the screen is narrow."""
        return f'<div class="wide"><table>{text}</table></div>\n'

    def block_math(self, body: str) -> str:
        """Write a formula in a line of its own."""
        return convert(body.strip(), display="block")

    def inline_math(self, body: str) -> str:
        """Write a formula within a line."""
        return convert(body.strip())


def render_markdown(text: str, renderer: PageRenderer) -> str:
    """Convert Markdown to HTML.

    Args:
        text: with formulas between dollar signs, as in notebooks.
        renderer: of the page that the text is for.

    Returns:
        HTML without a head.
    """
    return MarkdownWithMath(renderer=renderer).render(text)


def split_sections(text: str) -> dict[str, str]:
    """Cut Markdown at its headings of the second level.

    Args:
        text: Markdown.

    Returns:
        Title -> text of the section, without its heading; the title of what comes first is "".
    """
    parts = re.split(r"^## (.+)\n", text, flags=re.MULTILINE)
    sections = {"": parts[0].strip()}
    for title, section in zip(parts[1::2], parts[2::2], strict=True):
        sections[title.strip()] = section.strip()
    return sections
