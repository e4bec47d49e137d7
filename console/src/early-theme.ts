import { applyStoredTheme } from './theme.ts';

applyStoredTheme();
