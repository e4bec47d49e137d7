/** The two faces of the page. */
export type Theme = 'light' | 'dark';

const storageKey = 'plinth-console-theme';
const attribute = 'data-theme';

/** Puts the chosen theme on the page, if one was chosen. Runs before the first paint, so that nothing flashes. */
export function applyStoredTheme(): void {
  const stored = readStored();
  if (stored) document.documentElement.setAttribute(attribute, stored);
}

/** The theme that is on the page now. */
export function currentTheme(): Theme {
  const chosen = document.documentElement.getAttribute(attribute);
  return chosen === 'light' || chosen === 'dark' ? chosen : systemTheme();
}

/** Changes to the other theme. Choosing what the system has anyway goes back to following the system. */
export function toggleTheme(): Theme {
  const next: Theme = currentTheme() === 'dark' ? 'light' : 'dark';
  const followsSystem = next === systemTheme();
  if (followsSystem) document.documentElement.removeAttribute(attribute);
  else document.documentElement.setAttribute(attribute, next);
  try {
    if (followsSystem) localStorage.removeItem(storageKey);
    else localStorage.setItem(storageKey, next);
  } catch {
    // A browser that refuses storage keeps the choice for as long as the page is open.
  }
  return next;
}

function systemTheme(): Theme {
  return matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light';
}

function readStored(): Theme | undefined {
  try {
    const stored = localStorage.getItem(storageKey);
    return stored === 'light' || stored === 'dark' ? stored : undefined;
  } catch {
    return undefined;
  }
}
