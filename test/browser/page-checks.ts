import type { Page } from 'playwright-core';

/** Texts on the page whose contrast with their ground is below WCAG AA, as `text: ratio`. */
export function lowContrastTexts(page: Page): Promise<readonly string[]> {
  return page.evaluate<readonly string[]>(contrastScript);
}

/** Controls without a name for a screen reader, and ids that occur twice. */
export function labelProblems(page: Page): Promise<readonly string[]> {
  return page.evaluate<readonly string[]>(labelScript);
}

/** Texts on one line that are wider than their place, as `text: width in place`; not those that only a screen reader gets. */
export function cutTexts(page: Page, selector: string): Promise<readonly string[]> {
  return page.evaluate<readonly string[]>(`(${cutScript})(${JSON.stringify(selector)})`);
}

/** How many pixels the page is wider than its window: 0 when nothing scrolls sideways. */
export function sidewaysOverflow(page: Page): Promise<number> {
  return page.evaluate<number>('document.documentElement.scrollWidth - document.documentElement.clientWidth');
}

// Scripts for the page are texts: this project is compiled without the types of the DOM, because nothing else runs there.

const contrastScript = `(() => {
  const parse = color => {
    const parts = color.match(/[\\d.]+/g).map(Number);
    const scale = color.startsWith('color(srgb') ? 255 : 1;
    return { rgb: parts.slice(0, 3).map(part => part * scale), alpha: parts[3] ?? 1 };
  };
  const over = (top, below) => top.rgb.map((part, index) => part * top.alpha + below[index] * (1 - top.alpha));
  const groundOf = element => {
    const layers = [];
    for (let each = element; each; each = each.parentElement) layers.push(parse(getComputedStyle(each).backgroundColor));
    return layers.reverse().reduce((below, layer) => over(layer, below), [255, 255, 255]);
  };
  const luminance = rgb => {
    const [red, green, blue] = rgb.map(part => part / 255).map(part => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const found = new Set();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    const text = walker.currentNode.textContent.trim();
    if (text === '' || !element.checkVisibility() || element.closest('.visually-hidden, noscript, script, style')) continue;
    const style = getComputedStyle(element);
    const ground = groundOf(element);
    const ink = over(parse(style.color), ground);
    const [lighter, darker] = [luminance(ink), luminance(ground)].sort((left, right) => right - left);
    const ratio = (lighter + 0.05) / (darker + 0.05);
    const size = Number.parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    if (ratio < (large ? 3 : 4.5)) found.add(text.slice(0, 40) + ': ' + ratio.toFixed(2));
  }
  return [...found];
})()`;

const cutScript = `selector => {
  const range = document.createRange();
  const widths = element => {
    if (getComputedStyle(element).display !== 'inline') return [element.scrollWidth, element.clientWidth];
    if (element.firstChild?.nodeType !== Node.TEXT_NODE) return [0, 0];
    range.selectNodeContents(element.firstChild);
    return [range.getBoundingClientRect().width, element.parentElement.clientWidth];
  };
  return [...document.querySelectorAll(selector)]
    .map(element => ({ text: element.textContent.trim(), widths: widths(element), shown: element.checkVisibility() && element.clientWidth !== 1 }))
    .filter(({ widths: [needed, given], shown }) => shown && needed > given)
    .map(({ text, widths: [needed, given] }) => text + ': ' + needed + ' in ' + given);
}`;

const labelScript = `(() => {
  const nameOf = element =>
    element.getAttribute('aria-label') ?? ([...(element.labels ?? [])].map(label => label.textContent).join(' ') || element.textContent);
  const controls = [...document.querySelectorAll('a[href], button, input, textarea, progress, summary, [role=img]')];
  const nameless = controls.filter(element => nameOf(element).trim() === '').map(element => 'no name: ' + element.outerHTML.slice(0, 80));
  const ids = [...document.querySelectorAll('[id]')].map(element => element.id);
  return [...nameless, ...ids.filter((id, index) => ids.indexOf(id) !== index).map(id => 'id occurs twice: ' + id)];
})()`;
