// Scales the front page to one sheet, and what is wider than a sheet to its width. Printing comes
// after it, with the same widths, as print.html.j2 gives the body that of the sheet.
const scale = (box, fits) => {
  for (let zoom = 100; zoom > 30 && !fits(); zoom -= 2) box.style.zoom = zoom / 100;
};
const cover = document.querySelector(".cover");
const sheet = document.querySelector(".sheet").getBoundingClientRect().height;
scale(cover, () => cover.getBoundingClientRect().height <= sheet);
for (const box of document.querySelectorAll(".scroll")) {
  scale(box.querySelector("table, math, img"), () => box.scrollWidth <= box.clientWidth);
}
