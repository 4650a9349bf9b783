// What a browser makes of a page: run inside a copy of it. The answer stands in an element of the name `measured`.
addEventListener('load', () => {
  const found = { too_wide: document.documentElement.scrollWidth - innerWidth, pictures: 0, empty: [], outside: [], covered: [] };
  for (const svg of document.querySelectorAll('svg[viewBox]')) {
    const frame = svg.getBoundingClientRect();
    const title = svg.querySelector('title')?.textContent ?? 'a picture without a title';
    found.pictures += 1;
    if (frame.width < 1 || frame.height < 1) found.empty.push(title);
    const words = [...svg.querySelectorAll('text')].map(text => [text.textContent, text.getBoundingClientRect()]).filter(([, at]) => at.width);
    words.forEach(([text, at], index) => {
      if (at.left < frame.left - 1 || at.right > frame.right + 1 || at.top < frame.top - 2 || at.bottom > frame.bottom + 2) found.outside.push(`${text}: ${title}`);
      // A word may lie on its own halo, and letters' boxes are larger than letters.
      for (const [other, there] of words.slice(0, index)) {
        const wide = Math.min(at.right, there.right) - Math.max(at.left, there.left);
        const tall = Math.min(at.bottom, there.bottom) - Math.max(at.top, there.top);
        if (other !== text && wide > 2 && tall > at.height / 3) found.covered.push(`${other} under ${text}: ${title}`);
      }
    });
  }
  const answer = document.createElement('pre');
  answer.id = 'measured';
  answer.textContent = JSON.stringify(found);
  document.body.append(answer);
});
