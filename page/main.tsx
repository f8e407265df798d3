import { render } from 'preact';
import { Page } from './page.tsx';

const root = document.getElementById('page');
if (root === null) throw new Error('index.html has no element "page"');
render(<Page />, root);
