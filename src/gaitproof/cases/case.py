"""Examine a claim about a video: walk, and face if wanted, in one answer."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gaitproof.types import Decision, Verdict
from gaitproof.verify.probes import part_of
from gaitproof.verify.scene import Progress

if TYPE_CHECKING:
    import numpy as np
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from numpy.typing import NDArray

    from gaitproof.cases.faces import FaceTools
    from gaitproof.config import VerifySettings
    from gaitproof.explain.importance import Importance
    from gaitproof.face.model import FaceDetectorCard
    from gaitproof.face.scan import FaceScan
    from gaitproof.nets.encoder import Encoder
    from gaitproof.pose.cache import PoseCache
    from gaitproof.report.casefile import CaseStatement, SealedReport
    from gaitproof.verify.fusion.verdict import JointVerdict
    from gaitproof.verify.gallery import Gallery
    from gaitproof.verify.people import Person
    from gaitproof.verify.results import Examination
    from gaitproof.verify.verifier import Verifier


@dataclass(frozen=True)
class JointExamination:
    """The joint verdict, the scan it rests on, and whose scan it is."""

    verdict: JointVerdict
    scan: FaceScan
    card: FaceDetectorCard

    def to_dict(self, gait: Verdict) -> dict[str, Any]:
        """Return the whole answer as plain JSON types."""
        return {**self.verdict.to_dict(), "gait": gait.to_dict(), "scan": self.scan.to_dict()}


@dataclass(frozen=True, eq=False)
class Case:
    """What was found about one claim, to be read, explained or reported.

    Parameters
    ----------
    video
        The file that was examined.
    examination
        Of the gait: the verdict and what it was made from.
    verifier
        That examined it.
    joint
        The answer of gait and face together; None if the face was not looked at.

    Examples
    --------
    >>> import gaitproof as gp
    >>> case = gp.examine("new.mp4", "ann", "gallery.db")  # doctest: +SKIP
    >>> assert isinstance(case, gp.Case)  # doctest: +SKIP
    >>> case.report("new.html", "new.pdf")  # doctest: +SKIP
    """

    video: Path
    examination: Examination
    verifier: Verifier
    joint: JointExamination | None = None

    @property
    def answer(self) -> Verdict | JointVerdict:
        """The verdict: joint if the face was looked at, else that on the gait."""
        return self.examination.verdict if self.joint is None else self.joint.verdict

    @property
    def decision(self) -> Decision:
        """AUTHENTIC, DEEPFAKE or INCONCLUSIVE."""
        return self.answer.decision

    @property
    def headline(self) -> str:
        """The decision in one line."""
        return self.answer.headline

    def to_dict(self) -> dict[str, Any]:
        """Return the whole answer as plain JSON types, as ``verify --json`` prints it."""
        verdict = self.examination.verdict
        answer = verdict.to_dict() if self.joint is None else self.joint.to_dict(verdict)
        if verdict.choice_needed:
            from gaitproof.report.people import list_people

            gait = answer if self.joint is None else answer["gait"]
            gait["people"] = list_people(verdict.people, self.thumbnails())
        return answer

    def thumbnails(self) -> dict[int, NDArray[np.uint8]]:
        """Return a small image of everybody who was seen, by number, so that one can be chosen."""
        from gaitproof.report.people import draw_thumbnails

        examination = self.examination
        limits = self.verifier.settings.media
        return draw_thumbnails(
            self.video, examination.verdict.people, examination.everybody, limits
        )

    def importance(self, method: str = "occlusion") -> Importance:
        """Return which joints, moments and features the similarity of the joints rests on.

        Raises
        ------
        InputError
            If nothing was compared, or the method is unknown.
        DependencyError
            If the method needs an extra that is not installed.
        """
        from gaitproof.explain.methods import explain_score

        template = self.examination.scored_template()
        examination = self.examination
        return explain_score(
            self.verifier.encoder,
            examination.windows,
            template.vector,
            method,
            references=examination.references,
        )

    def explain(
        self, folder: str | Path, method: str = "occlusion", *, progress: Progress | None = None
    ) -> dict[str, Any]:
        """Write images, an annotated film, numbers and a page that explain the score.

        Parameters
        ----------
        folder
            Made if it is missing; files of the same names are replaced.
        method
            One of `gaitproof.explain.methods.METHODS`.
        progress
            Called with the share that is done, 0 to 1.

        Returns
        -------
        dict
            As in the file ``explanation.json``.

        Raises
        ------
        InputError
            If nothing was compared, or a file cannot be written.
        DependencyError
            If the method needs an extra that is not installed.
        """
        from gaitproof.explain.importance import ProbeScore
        from gaitproof.explain.trust import check_explanation
        from gaitproof.report.evidence import write_explanation

        importance = self.importance(method)
        examination = self.examination
        score = ProbeScore(
            self.verifier.encoder, examination.scored_template().vector, examination.references
        )
        return write_explanation(
            Path(folder),
            self.video,
            examination,
            importance,
            self.verifier.gallery,
            trust=check_explanation(score, examination.windows, importance),
            limits=self.verifier.settings.media,
            progress=progress or (lambda share: None),
        )

    def report(
        self,
        *paths: str | Path,
        key: Ed25519PrivateKey | None = None,
        command: Sequence[str] = (),
        stated: CaseStatement | None = None,
    ) -> SealedReport:
        """Write the report to every file, or to none if one cannot be written.

        Parameters
        ----------
        paths
            Ending in ``.html``, ``.pdf`` or ``.json``; none to have the report only returned.
        key
            To sign it with.
        command
            Makes the same verdict again; stated in the report.
        stated
            Case, exhibit and examiner, stated as they are given.

        Raises
        ------
        InputError
            If an ending is unknown, or a file cannot be written.
        """
        from gaitproof.cases.exhibits import build_case_report
        from gaitproof.report.casefile import check_targets, seal, write_reports

        targets = [Path(path) for path in paths]
        check_targets(targets)
        sealed = seal(build_case_report(self, shlex.join(command), stated), key)
        if targets:
            write_reports(sealed, targets)
        return sealed


class Examiner:
    """Examines claims, one after another, with models that are loaded once.

    Parameters
    ----------
    verifier
        Compares gait.
    face
        None if the face is not to be looked at.

    Examples
    --------
    >>> import gaitproof as gp
    >>> examiner = gp.Examiner(gp.Verifier.open("gallery.db"))  # doctest: +SKIP
    >>> [examiner.examine(video, "ann").headline for video in videos]  # doctest: +SKIP
    """

    def __init__(self, verifier: Verifier, face: FaceTools | None = None) -> None:
        self.verifier = verifier
        self.face = face

    def examine(
        self,
        video: str | Path,
        claim: str,
        *,
        person: Person = "auto",
        progress: Progress | None = None,
    ) -> Case:
        """Decide whether a video shows the person it claims to show.

        Parameters
        ----------
        video
            Path of the video.
        claim
            Name of the enrolled identity.
        person
            Which person of the video, see `gaitproof.verify.people.Person`.
        progress
            Called with the share that is done, 0 to 1.

        Raises
        ------
        GalleryError
            If the claimed identity is not enrolled, or its template was made by another model.
        InputError
            If the video cannot be read or `person` does not exist in it.
        """
        parts = 1 if self.face is None else 2
        examination = self.verifier.examine(
            video, claim=claim, person=person, progress=part_of(progress, 0, parts)
        )
        if self.face is None:
            return Case(Path(video), examination, self.verifier, None)
        from gaitproof.face.scan import scan_video
        from gaitproof.verify.faces import enrolled_scores
        from gaitproof.verify.fusion.joint import join

        model, limits = self.face.model, self.verifier.settings.media
        references, remarks = enrolled_scores(self.verifier.gallery, examination, model)
        scan = scan_video(
            video,
            model,
            limits=limits,
            progress=part_of(progress, 1, parts),
            references=references,
        )
        tracks = [track.sequence for track in examination.tracks]
        joint = join(
            examination.verdict, scan, model.card, tracks=tracks, weights=self.face.weights
        )
        joint = replace(joint, notes=(*joint.notes, *remarks))
        joined = JointExamination(joint, scan, model.card)
        return Case(Path(video), examination, self.verifier, joined)


def examine(
    video: str | Path,
    claim: str,
    gallery: Gallery | str | Path,
    *,
    face: bool = False,
    face_model: str | Path | None = None,
    fusion: Path | None = None,
    person: Person = "auto",
    model: Encoder | str | Path | None = None,
    settings: VerifySettings | None = None,
    cache: PoseCache | None = None,
    progress: Progress | None = None,
) -> Case:
    """Decide whether a video shows the person it claims to show, as ``gaitproof verify`` does.

    Models are loaded at every call; use an `Examiner` for many videos.

    Parameters
    ----------
    video
        Path of the video.
    claim
        Name of the enrolled identity that the video claims to show.
    gallery
        An open gallery, or its path or URL.
    face
        Whether manipulation of the face is looked for too, and both answers are joined.
    face_model, fusion
        Name or folder of the face model and file of fusion weights; the shipped ones if None.
    person
        Which person of the video, see `gaitproof.verify.people.Person`.
    model, settings, cache
        As for `Verifier.open`.
    progress
        Called with the share that is done, 0 to 1.

    Raises
    ------
    GalleryError
        If the gallery cannot be used or the claimed identity is not enrolled.
    InputError
        If the video cannot be read or `person` does not exist in it.
    ModelError
        If a model or weights cannot be used.

    Examples
    --------
    >>> import gaitproof as gp
    >>> case = gp.examine("clip.mp4", "Ann", "gallery.db", face=True)  # doctest: +SKIP
    >>> case.decision  # doctest: +SKIP
    <Decision.INCONCLUSIVE: 'INCONCLUSIVE'>
    >>> case.report("clip.html", "clip.json")  # doctest: +SKIP
    """
    from gaitproof.cases.faces import FaceTools
    from gaitproof.verify.verifier import Verifier

    tools = FaceTools.load(face_model, fusion) if face else None
    verifier = Verifier.open(gallery, encoder=model, settings=settings, cache=cache)
    return Examiner(verifier, tools).examine(video, claim, person=person, progress=progress)
