import { render } from 'preact';
import { ConsoleStore } from './console-store.ts';
import { Page } from './parts/page.tsx';

const root = document.getElementById('console');
if (root) new ConsoleStore(store => render(<Page store={store} />, root)).start();
