"""What a page must keep for people who cannot see it, or not well: expressions of JavaScript that list breaches."""

NAMED = {
    "link",
    "button",
    "searchbox",
    "combobox",
    "radio",
    "heading",
    "region",
    "table",
    "article",
    "DisclosureTriangle",
}


HEADING_JUMPS = """
  [...document.querySelectorAll("h1, h2, h3, h4")].filter((each) => each.checkVisibility())
    .map((each) => [Number(each.tagName[1]), each.textContent])
    .filter(([level], at, all) => at > 0 && level > all[at - 1][0] + 1)
"""

TWICE = """
  [...document.querySelectorAll("[id]")].map((each) => each.id).filter((id, at, all) => all.indexOf(id) !== at)
"""

SMALL_TARGETS = """
  [...document.querySelectorAll("button, input[type=search], select, .turn-head a")]
    .filter((each) => each.checkVisibility())
    .filter((each) => { const box = each.getBoundingClientRect(); return box.height < 24 || box.width < 24; })
    .map((each) => each.outerHTML)
"""

LOW_CONTRAST = """
(() => {
  const parse = (text) => text.match(/[0-9.]+/g).map(Number);
  const light = (color) => {
    const curve = (c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    const [r, g, b] = color.map((part) => curve(part / 255));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    for (let each = element; each; each = each.parentElement) {
      const [r, g, b, alpha = 1] = parse(getComputedStyle(each).backgroundColor);
      if (alpha > 0.99) return [r, g, b];
    }
    return parse(getComputedStyle(document.body).backgroundColor).slice(0, 3);
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const low = [];
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    const hidden = element.closest("script, style, option") || !element.checkVisibility();
    if (hidden || !walker.currentNode.textContent.trim()) continue;
    const style = getComputedStyle(element);
    const [one, two] = [light(parse(style.color)), light(behind(element))].sort((a, b) => b - a);
    const large = parseFloat(style.fontSize) >= 24 || (parseFloat(style.fontSize) >= 18.66 && style.fontWeight >= 700);
    const ratio = (one + 0.05) / (two + 0.05);
    if (ratio < (large ? 3 : 4.5)) low.push([walker.currentNode.textContent.trim().slice(0, 40), ratio.toFixed(2)]);
  }
  return low;
})()
"""
