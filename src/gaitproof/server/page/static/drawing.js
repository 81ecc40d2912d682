// Drawing over a video: joints, outlines, faces. Colours are those of the reports.

const COLOURS = { left: "#e69f00", right: "#56b4e9", middle: "#f5f5f5", mask: "#009e73", rim: "rgba(20, 20, 24, 0.85)", genuine: "#56b4e9", manipulated: "#d55e00" };
const NEAR = 0.06;

/** Place of the time nearest to a moment; -1 if none is near. */
export function nearest(times, moment, near = NEAR) {
  let low = 0;
  let high = times.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (times[middle] < moment) low = middle + 1;
    else high = middle;
  }
  const place = low > 0 && (low === times.length || moment - times[low - 1] < times[low] - moment) ? low - 1 : low;
  return place < times.length && Math.abs(times[place] - moment) <= near ? place : -1;
}

export function drawPeople(context, drawn, time, line) {
  for (const person of drawn.people) {
    const place = nearest(person.times, time);
    if (place < 0) continue;
    context.globalAlpha = person.taken ? 1 : 0.55;
    const points = person.points[place];
    for (const rim of [true, false]) {
      for (const [a, b, side] of drawn.lines) {
        if (points[2 * a] === null || points[2 * b] === null) continue;
        context.strokeStyle = rim ? COLOURS.rim : COLOURS[side];
        context.lineWidth = rim ? 2.2 * line : line;
        context.lineCap = "round";
        context.beginPath();
        context.moveTo(points[2 * a], points[2 * a + 1]);
        context.lineTo(points[2 * b], points[2 * b + 1]);
        context.stroke();
      }
    }
    context.globalAlpha = 1;
    if (drawn.people.length > 1) label(context, String(person.number), points[0], points[1] - 10 * line, line);
  }
}

function label(context, text, x, y, line) {
  if (x === null) return;
  context.font = `600 ${9 * line}px system-ui, sans-serif`;
  context.lineWidth = 2 * line;
  context.strokeStyle = COLOURS.rim;
  context.strokeText(text, x, y);
  context.fillStyle = COLOURS.middle;
  context.fillText(text, x, y);
}

export function drawOutlines(context, drawn, time, line) {
  for (const outlines of drawn.outlines) {
    const place = nearest(outlines.times, time);
    if (place < 0) continue;
    const shape = outlines.shapes[place];
    context.beginPath();
    for (let i = 0; i < shape.length; i += 2) context.lineTo(shape[i], shape[i + 1]);
    context.closePath();
    context.globalAlpha = 0.25;
    context.fillStyle = COLOURS.mask;
    context.fill();
    context.globalAlpha = 1;
    context.lineWidth = line;
    context.strokeStyle = COLOURS.mask;
    context.stroke();
  }
}

export function drawFaces(context, faces, time, line) {
  for (const face of faces) {
    const place = nearest(face.frames.map((frame) => frame.time), time, 0.3);
    if (place < 0) continue;
    const { box: [left, top, right, bottom], score } = face.frames[place];
    context.lineWidth = 1.5 * line;
    context.strokeStyle = score >= face.threshold ? COLOURS.genuine : COLOURS.manipulated;
    context.strokeRect(left, top, right - left, bottom - top);
    label(context, `${face.number}: ${score.toFixed(2)}`, left, top - 4 * line, line);
  }
}
