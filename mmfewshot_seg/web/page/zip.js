// Archives: ZIP without compression, for files that are compressed already (APPNOTE.TXT 4.3).

const TABLE = Uint32Array.from({ length: 256 }, (_, n) => {
  let value = n;
  for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? 0xedb88320 ^ (value >>> 1) : value >>> 1;
  return value;
});

function crc32(bytes) {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = TABLE[(crc ^ byte) & 255] ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}

// Little-endian numbers: [value, bytes], ...
function packed(...fields) {
  return Uint8Array.from(fields.flatMap(([value, bytes]) => (
    Array.from({ length: bytes }, (_, i) => Math.floor(value / 2 ** (8 * i)) % 256)
  )));
}

// Blob of [{name, bytes}]; names are UTF-8.
export function zip(files) {
  const parts = [], directory = [];
  let offset = 0;
  for (const { name, bytes } of files) {
    const title = new TextEncoder().encode(name), size = bytes.length;
    // Version 2.0, names in UTF-8, stored, 1980-01-01 00:00.
    const common = [[20, 2], [0x800, 2], [0, 2], [0, 2], [33, 2], [crc32(bytes), 4], [size, 4], [size, 4], [title.length, 2], [0, 2]];
    const local = packed([0x04034b50, 4], ...common);
    parts.push(local, title, bytes);
    directory.push(packed([0x02014b50, 4], [20, 2], ...common, [0, 2], [0, 2], [0, 2], [0, 4], [offset, 4]), title);
    offset += local.length + title.length + size;
  }
  const size = directory.reduce((sum, part) => sum + part.length, 0);
  const count = files.length;
  const end = packed([0x06054b50, 4], [0, 2], [0, 2], [count, 2], [count, 2], [size, 4], [offset, 4], [0, 2]);
  return new Blob([...parts, ...directory, end], { type: 'application/zip' });
}
