/** Puts SVG images of one height beside one another in one image. */
export function sideBySide(images: string[]): string {
  const sizeOf = (image: string, name: string) => Number(new RegExp(` ${name}="(\\d+)"`).exec(image)?.[1]);
  const widths = images.map((image) => sizeOf(image, "width"));
  const total = widths.reduce((sum, width) => sum + width, 0);
  const height = Math.max(...images.map((image) => sizeOf(image, "height")));
  const placed = images.map((image, index) => {
    const left = widths.slice(0, index).reduce((sum, width) => sum + width, 0);
    return image.replace("<svg ", `<svg x="${left}" `);
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${total} ${height}" width="${total}" height="${height}">\n${placed.join("")}</svg>\n`;
}
