// Unpacks what the npm package @sparticuz/chromium holds: node unpack-chromium.mjs FOLDER, where it is installed.
// The browser comes to FOLDER/unpacked/chromium, the libraries to lib/ and the fonts to fonts/ beside it.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliDecompressSync } from 'node:zlib';

const [folder = '.'] = process.argv.slice(2);
const packed = join(folder, 'node_modules', '@sparticuz', 'chromium', 'bin');
const unpacked = join(folder, 'unpacked');
const plain = (name) => brotliDecompressSync(readFileSync(join(packed, name)));

mkdirSync(unpacked, { recursive: true });
for (const name of ['al2023.tar', 'fonts.tar']) {
  const archive = join(unpacked, name);
  writeFileSync(archive, plain(`${name}.br`));
  execFileSync('tar', ['-xf', archive, '-C', unpacked]);
  rmSync(archive);
}
writeFileSync(join(unpacked, 'chromium'), plain('chromium.br'), { mode: 0o755 });
// The fonts beside the browser first, so that pictures are the same everywhere.
writeFileSync(
  join(unpacked, 'fonts.conf'),
  `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir prefix="relative">fonts</dir>
  <cachedir prefix="xdg">fontconfig</cachedir>
</fontconfig>
`,
);
