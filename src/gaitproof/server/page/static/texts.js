// Every text of the page, in one place. `{name}` stands for a value.

const TEXTS = {
  "frame.skip": "Skip to the content",
  "frame.nav": "Main",
  "frame.about": "gaitproof {version} · Does a video really show the person it claims to show?",
  "frame.lost": "There is no such page",
  "frame.lost.text": "Choose one above. Some pages are only for keys with another role.",
  "frame.failed": "That did not work",
  "nav.verify": "Verify",
  "nav.enrol": "Enrol",
  "nav.gallery": "Gallery",
  "nav.jobs": "Cases",
  "nav.keys": "Keys",
  "nav.settings": "Settings",

  "login.title": "Log in",
  "login.text": "This service is used with an API key. Whoever runs it gives you one.",
  "login.key": "API key",
  "login.hint": "It begins with gp_ and is not kept by this page: the browser gets a session that ends by itself.",
  "login.enter": "Log in",
  "login.wrong": "That key is not in force. Check that it was copied whole; it may have been revoked.",

  "verify.title": "Verify a claim",
  "verify.lead": "A video claims to show somebody. The way the person walks is compared with that of the person who is enrolled under that name.",
  "verify.nobody": "Nobody is enrolled yet",
  "verify.nobody.text": "To compare, gaitproof needs to know how the claimed person walks. Enrol them from one or more videos that are known to be genuine.",
  "verify.claim": "Whom does it claim to show?",
  "verify.claim.hint": "People who are enrolled.",
  "verify.claim.choose": "Choose a person …",
  "verify.video": "The video",
  "verify.drop": "Drop the video here, or choose it",
  "verify.drop.hint": "The whole body with both feet, walking for at least 2 seconds, 25 frames per second or more.",
  "verify.face": "Look at the face too",
  "verify.face.hint": "Joints, silhouettes and face are then shown side by side, and joined into one answer. Takes longer.",
  "verify.references": "Footage of other people, filmed in the same way",
  "verify.references.why": "A comparison says most relative to other people filmed with the same camera in the same place. What the gallery holds is used where it fits: {found}. Add more here; nobody in it may be enrolled.",
  "verify.references.none": "none yet",
  "verify.references.some": "{people} people",
  "verify.references.name": "Name of this footage",
  "verify.references.drop": "Drop videos of other people, or choose them",
  "verify.references.drop.hint": "The same camera and place; several people are best.",
  "verify.more": "Case, place",
  "verify.case.number": "Case",
  "verify.exhibit": "Exhibit",
  "verify.examiner": "Examiner",
  "verify.case.hint": "Case, exhibit and examiner are stated in the report and its JSON, as you write them.",
  "verify.site": "Where it was filmed",
  "verify.site.hint": "People enrolled from the same place are references for each other.",
  "verify.start": "Verify",
  "verify.missing.claim": "Choose whom the video claims to show.",
  "verify.missing.video": "Choose a video first.",
  "verify.missing.name": "Give the footage of other people a name.",

  "video.other": "Choose another video",
  "camera.start": "Film with this device's camera",
  "camera.none": "The camera cannot be used: {reason}. Allow it in the browser, or choose a file.",
  "camera.seen": "What the camera sees",
  "camera.how": "Walk past the camera so that the whole body with both feet is seen.",
  "camera.left": "Ends in {seconds} s.",
  "camera.stop": "Stop filming",

  "enrol.title": "Enrol a person",
  "enrol.lead": "Show how a person walks, from videos that are known to be genuine. Two or more, on different days and in different clothes, make the comparison stronger.",
  "enrol.name": "Name",
  "enrol.name.hint": "New, or somebody who is enrolled already: their videos are added to.",
  "enrol.site": "Where it was filmed (may stay empty)",
  "enrol.face": "Keep figures of the face too",
  "enrol.face.hint": "A verification that looks at the face then compares it with this person's genuine videos. Numbers are kept, no image. Takes longer.",
  "enrol.drop": "Drop videos here, or choose them",
  "enrol.drop.hint": "One person walking, whole body, both feet, for at least 2 seconds.",
  "enrol.missing": "Write the person's name first; the videos wait.",
  "enrol.start": "Enrol {count}",
  "enrol.waiting": "Waits",
  "enrol.good": "Enrolled: {windows}.",
  "enrol.known": "This file is enrolled already; it was left out.",
  "enrol.done": "{name} is enrolled from {count}.",
  "enrol.failed": "None of the videos could be used; {name} was not enrolled.",
  "enrol.next": "Verify a video of {name}",
  "enrol.remove": "Remove {name} from the list",

  "progress.sending": "Sending the video …",
  "progress.references": "Looking at the footage of other people …",
  "progress.queued": "Waiting for its turn …",
  "progress.running": "Examining …",
  "progress.report": "Writing the report …",
  "progress.cancel": "Cancel",

  "job.state.queued": "waiting",
  "job.state.running": "running",
  "job.state.done": "done",
  "job.state.failed": "failed",
  "job.state.cancelled": "cancelled",
  "job.kind.verification": "Verification",
  "job.kind.identification": "Identification",
  "job.kind.enrolment": "Enrolment",
  "job.kind.preservation": "Preservation of the walk",
  "job.kind.face-scan": "Scan of faces",
  "job.kind.explanation": "Explanation",
  "job.kind.reference": "Footage of other people",
  "job.cancelled": "This was cancelled; there is no answer.",
  "job.delete": "Delete this case",
  "job.delete.sure": "Delete this case with its answer and report? It cannot be brought back.",
  "job.again": "Verify another video",
  "job.answer": "The whole answer (JSON)",
  "job.made": "Asked {time}",

  "jobs.title": "Cases and other jobs",
  "jobs.none": "No cases yet",
  "jobs.none.text": "Every verification, enrolment and scan is listed here, with its answer and its report, until you delete it.",
  "jobs.list": "Jobs, newest first",
  "jobs.what": "What",
  "jobs.about": "About",
  "jobs.state": "State",
  "jobs.answer": "Answer",
  "jobs.when": "When",
  "jobs.more": "Show older ones",

  "choose.title": "Which person is meant?",
  "choose.text": "More than one person walks in this video. Choose the one whom the claim is about; the others then count as references where they walk well.",
  "choose.person": "Person {number}, {start} to {end} s",
  "choose.unusable": "walk cannot be used",
  "choose.start": "Verify this person",
  "choose.enrol": "More than one person walks in this video. Choose the one to enrol; nothing is kept of the others.",
  "choose.enrol.start": "Enrol this person",
  "choose.waits": "Choose above who is meant, in {count}.",
  "choose.gone": "The video is not kept any more. Send it again, and choose the person then.",

  "verdict.claim": "Claim: the video shows {claim}",
  "verdict.AUTHENTIC": "The walk fits {claim}.",
  "verdict.DEEPFAKE": "The walk does not fit {claim}.",
  "verdict.INCONCLUSIVE": "It cannot be told whether this is {claim}.",
  "verdict.why": "Why",
  "verdict.weight": "What was found is about {times} times as probable if {one} as if {other}.",
  "verdict.even": "What was found is about as probable if the claimed person walks in the video as if somebody else does.",
  "verdict.asked.so": "What was found is about {times} times as probable if this is so as if it is not: “{question}”.",
  "verdict.asked.not": "What was found is about {times} times as probable if this is not so as if it is: “{question}”.",
  "verdict.asked.even": "What was found is about as probable whether or not this is so: “{question}”.",
  "verdict.claimed": "the claimed person walks in the video",
  "verdict.somebody": "somebody else does",
  "verdict.somebody.first": "somebody else walks in the video",
  "verdict.claimed.after": "the claimed person does",
  "verdict.bound": "More than a factor of {times} is never stated: the number of people whom the method was measured on supports no more.",
  "verdict.not": "What this does not mean",
  "verdict.not.AUTHENTIC": [
    "A match does not prove that the video is authentic: footage of the real person whose face, lips or voice were replaced walks like the real person.",
    "Somebody else can walk alike. How often that happens is stated below as an error rate.",
  ],
  "verdict.not.DEEPFAKE": [
    "A mismatch does not prove that the video was made by a computer: it can be genuine footage of somebody else.",
    "An injury, a load, other shoes or a badly seen walk change a gait too.",
  ],
  "verdict.not.INCONCLUSIVE": [
    "It does not mean that the video is suspicious, and not that it is genuine: nothing was decided.",
    "Asking again with the same video gives the same answer; other or better footage may not.",
  ],
  "verdict.notes": "Notes",

  "detectors.title": "Detectors side by side",
  "detectors.text": "Each by itself. The answer above follows from them; only what was tested in this situation counts.",
  "detectors.name": "Looks at",
  "detectors.says": "Says",
  "detectors.ratio": "Weight (log10 LR)",
  "detectors.similarity": "Score",
  "detectors.from": "From",
  "detectors.joints": "Joints",
  "detectors.silhouettes": "Silhouettes",
  "detectors.face": "Face",
  "detectors.fusion": "Together",
  "detectors.nothing": "not compared",
  "detectors.for": "for the claim",
  "detectors.against": "against the claim",
  "detectors.neither": "neither way",
  "detectors.untested": "does not count: not tested in this situation",
  "detectors.windows": "{windows}, relative to {others}",
  "detectors.alone": "{windows}",
  "detectors.frames": "{frames} frames of face {number}",
  "detectors.noface": "The face was not looked at. Verify again with “Look at the face too”.",

  "quality.title": "How well the walk is seen",
  "quality.what": "What",
  "quality.found": "Found",
  "quality.needed": "Needed",
  "quality.kept": "Kept",
  "quality.yes": "✓ yes",
  "quality.no": "✕ no",

  "player.title": "What was looked at",
  "player.again": "Videos are deleted after they were examined. To see what was found in it, choose the same file again; it does not leave this device.",
  "player.choose": "Choose the video to look at it",
  "player.choose.hint": "{name}",
  "player.other": "This is another file than the one that was examined, so that nothing fits.",
  "player.unplayable": "This browser cannot play the file; the time line below still says what was found when.",
  "player.video": "The video that was examined",
  "player.show": "Draw",
  "player.skeleton": "Skeleton",
  "player.mask": "Outline of the silhouette",
  "player.faces": "Faces",
  "player.play": "Play",
  "player.pause": "Pause",
  "player.time": "Moment",
  "player.at": "{now} of {end} s",
  "player.importance": "Walk",
  "player.quality": "Windows",
  "player.face": "Face {number}",
  "player.legend": "Walk: blue speaks for the claim, orange against it; strong colour, much. Windows: the two-second windows that could be used, from bottom to top of the strip. Face: blue genuine, orange manipulated.",
  "player.jump": "Moments that speak most",
  "player.for": "{time} s, for the claim",
  "player.against": "{time} s, against the claim",
  "player.fake": "{time} s, face {number} looks least genuine",
  "player.none": "Nobody was followed in this video, so there is nothing to draw.",
  "player.joints": "Joints that the score rests on",
  "player.joints.text": "Contribution of each joint to the similarity; positive speaks for the claim.",
  "player.joint": "Joint",
  "player.share": "Contribution",

  "report.title": "Report",
  "report.text": "For somebody else to read and check: question, answer, what it rests on and how far it can be trusted. HTML and PDF are made from the JSON, which holds all of it.",
  "report.none": "No report was asked for.",
  "report.html": "HTML",
  "report.pdf": "PDF",
  "report.json": "JSON",
  "report.download": "Download as {form}",

  "facts.title": "Details",
  "facts.video": "Video",
  "facts.sha256": "SHA-256",
  "facts.model": "Model",
  "facts.template": "Template",
  "facts.recordings": "{recordings} of {claim}",
  "facts.fmr": "Wrongly accepted, joints alone",
  "facts.fnmr": "Wrongly refused, joints alone",
  "facts.software": "Software",
  "facts.people": "People seen",
  "facts.case": "Case",
  "facts.exhibit": "Exhibit",
  "facts.examiner": "Examiner",
  "facts.rate": "{value} (95 %: {low} to {high})",
  "facts.limit": "at most {value}",

  "gallery.title": "Gallery",
  "gallery.lead": "Who is enrolled. Kept are numbers that describe the walk, not the videos.",
  "gallery.none": "Nobody is enrolled yet",
  "gallery.none.text": "Enrol somebody from videos that are known to be genuine; then videos that claim to show them can be verified.",
  "gallery.people": "Enrolled people",
  "gallery.name": "Name",
  "gallery.recordings": "Recordings",
  "gallery.windows": "Two-second windows",
  "gallery.models": "Models",
  "gallery.since": "Since",
  "gallery.remove": "Remove",
  "gallery.remove.name": "Remove {name}",
  "gallery.remove.sure": "Remove {name} with all recordings and templates? It cannot be brought back.",
  "gallery.removed": "{name} was removed.",
  "gallery.references": "Reference footage",
  "gallery.references.text": "People filmed as the videos in question are, who are not enrolled. Comparisons are made relative to them.",
  "gallery.references.none": "No reference footage yet. It can be added when a video is verified.",
  "gallery.footage": "Footage",
  "gallery.files": "Files",
  "gallery.count": "People",
  "gallery.history": "Recordings of {name}",
  "gallery.file": "File",
  "gallery.enrolled": "Enrolled",
  "gallery.used": "Windows",

  "keys.title": "Keys",
  "keys.lead": "Programs and people use this service with keys. Until the first one is made, everybody on this machine is let in; from then on nobody is without one.",
  "keys.none": "No key yet",
  "keys.none.text": "Make one with the role admin first: with the next click you will need it yourself.",
  "keys.list": "Keys of your tenant",
  "keys.id": "Key",
  "keys.role": "Role",
  "keys.label": "For",
  "keys.made": "Made",
  "keys.state": "State",
  "keys.valid": "in force",
  "keys.revoked": "revoked {time}",
  "keys.own": "your own",
  "keys.revoke": "Revoke",
  "keys.revoke.name": "Revoke {name}",
  "keys.revoke.sure": "Revoke this key? Whoever uses it is locked out at once.",
  "keys.new": "Make a key",
  "keys.make": "Make it",
  "keys.label.hint": "Who or what will use it.",
  "keys.role.verify": "verify: examine videos, see who is enrolled",
  "keys.role.enrol": "enrol: also enrol and remove people",
  "keys.role.admin": "admin: also make and revoke keys, read the audit log",
  "keys.secret": "The new key. Copy it now: it is shown once and kept nowhere.",
  "keys.copy": "Copy",
  "keys.copied": "Copied.",
  "audit.title": "Who asked what",
  "audit.none": "Nothing was asked yet.",
  "audit.time": "Time",
  "audit.what": "What",
  "audit.key": "Key",
  "audit.details": "Details",

  "settings.title": "Settings",
  "settings.look": "Appearance",
  "settings.theme": "Colours",
  "settings.theme.auto": "As the device",
  "settings.theme.light": "Light",
  "settings.theme.dark": "Dark",
  "settings.theme.hint": "Kept in this browser.",
  "settings.who": "You",
  "settings.tenant": "Tenant",
  "settings.role": "Role",
  "settings.key": "Key",
  "settings.nokey": "none needed: this service has no keys yet",
  "settings.service": "The service",
  "settings.version": "Version",
  "settings.queued": "Jobs waiting",
  "settings.running": "Jobs running",
  "settings.videos": "Videos kept now",
  "settings.videos.none": "None. Videos are deleted after they were examined.",
  "settings.videos.delete": "Delete {name}",
  "settings.api": "The REST interface: description for programs (OpenAPI)",
  "settings.logout": "Log out",

  "problem.unreachable": "The service cannot be reached.",
  "problem.unreachable.hint": "Check that it runs and that you are connected, then try again.",
  "problem.page": "The page made a mistake.",
  "problem.page.hint": "Reload it. If it happens again, report this: {text}",
  "problem.expected": "Expected:",
  "problem.actual": "Found:",
  "problem.hint": "Try:",
};

/** A text of the catalogue with its values filled in. */
export function t(key, values = {}) {
  const text = TEXTS[key];
  if (text === undefined) throw new Error(`There is no text ${key}`);
  if (Array.isArray(text)) return text;
  return text.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
}

export function has(key) {
  return key in TEXTS;
}

const PLURALS = {
  video: ["video", "videos"],
  window: ["two-second window", "two-second windows"],
  recording: ["recording", "recordings"],
  other: ["other person", "other people"],
};

/** A number with its noun. */
export function counted(number, noun) {
  return `${number} ${PLURALS[noun][number === 1 ? 0 : 1]}`;
}

export function size(bytes) {
  return bytes < 1e6 ? `${Math.max(1, Math.round(bytes / 1e3))} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

export function percent(share) {
  return `${(100 * share).toFixed(1)} %`;
}

export function when(seconds) {
  return new Date(1000 * seconds).toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "short" });
}

/** A factor in words that do not pretend to more digits than there are. */
export function factor(log10) {
  const value = 10 ** Math.abs(log10);
  return value < 10 ? value.toFixed(1) : String(Number(value.toPrecision(2)));
}

/** A log10 likelihood ratio. */
export function ratio(value) {
  return value === null || value === undefined ? "–" : `${value >= 0 ? "+" : "−"}${Math.abs(value).toFixed(2)}`;
}

// what the package tells users of the command line, for users of the page
const ELSEWHERE = [
  [/\s*with 'gaitproof reference add'/g, " under “Footage of other people” when you verify"],
  [/choose one with --person N/g, "choose one below"],
  [/Choose another with --person N, or join them with --person all if they are the same person\./g, ""],
];

/** A text of the package, with what names the command line put in the page's terms. */
export function forPage(text) {
  return ELSEWHERE.reduce((told, [pattern, here]) => told.replace(pattern, here), text);
}
