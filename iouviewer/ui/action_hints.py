"""One sentence about commands whose name does not say it all, shown in the palette and in the key editor."""

from __future__ import annotations

from iouviewer.i18n import tr

HINTS: dict[str, str] = {
    "openFiles": tr("boxes and predictions are recognised by their content"),
    "importGroundTruth": tr("merge or replace"),
    "compareTruths": tr("how far two people agree, and where they differ"),
    "addPredictions": tr("a file of boxes becomes a variant"),
    "runModel": tr("weights run in a process of their own"),
    "snapshot": tr("a copy of the project under a name"),
    "takePrevious": tr("all boxes of the frame before"),
    "makeVariants": tr("a checkpoint as ONNX, OpenVINO, INT8 and others, then run"),
    "propagate": tr("carried over the next frames"),
    "acceptAll": tr("predictions without a box"),
    "snapEdge": tr("the edge nearest to the mouse"),
    "outside": tr("the object has left the picture"),
    "ignore": tr("counts neither as missed nor as extra"),
    "keyFrame": tr("boxes between key frames are interpolated"),
    "mergeTracks": tr("one object, two ids"),
    "linkTracks": tr("for boxes without ids"),
    "scoreWithoutAccepted": tr("a model agrees with its own boxes"),
    "startFromPredictions": tr("the first ground truth of a video"),
    "splitTrack": tr("a new id from this frame on"),
    "swapTracks": tr("two objects exchanged their ids"),
    "verifyAndNext": tr("this frame is checked"),
    "verifiedEmpty": tr("no object on this frame"),
    "drawRegion": tr("predictions in it count neither as matched nor as extra"),
    "truncated": tr("the picture cuts the object off"),
    "attributes": tr("free values such as pose = sitting"),
    "classes": tr("rename, colour, arrange, merge, delete, import names"),
    "excludeFrame": tr("leaves the frame out of all scores, or counts it again"),
    "excludeFrames": tr("a range, from here, those of a track or of the walk"),
    "nextEmpty": tr("a frame that nobody has verified as empty"),
    "toggleWalk": tr("the keys for frames go through a part of the frames"),
    "walkList": tr("those of the filter in the list of problems"),
    "takeFix": tr("what the problem proposes"),
    "groundTruthIsRight": tr("the predictions are wrong"),
    "unclear": tr("decide later"),
    "filter": tr("what counts and what is listed, by class, size, state and more"),
    "hideBoxes": tr("while the key is held"),
    "showLabels": tr("while the key is held"),
    "blindMode": tr("so that models do not bias you"),
    "goToFrame": tr("frame, time or track"),
    "goToTime": tr("a number alone means seconds"),
}
"""By action id, without a full stop."""
