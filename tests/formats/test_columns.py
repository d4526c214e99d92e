"""What the columns of a table mean."""

from __future__ import annotations

import pytest

from iouviewer.errors import UserError
from iouviewer.formats.columns import Role, find_columns, guess_columns, header_key, parse_columns

HEADERS = {
    # supervision's CSVSink and JSONSink with custom data
    "x_min,y_min,x_max,y_max,class_id,confidence,tracker_id,class_name,frame_number": (
        "frame=frame_number,x1=x_min,y1=y_min,x2=x_max,y2=y_max,class=class_name,class_id=class_id,score=confidence,"
        "track=tracker_id"
    ),
    # TensorFlow and Roboflow
    "filename,width,height,class,xmin,ymin,xmax,ymax": (
        "image=filename,x1=xmin,y1=ymin,x2=xmax,y2=ymax,class=class,image_width=width,image_height=height"
    ),
    # OpenImages
    "ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax,IsOccluded": (
        "image=ImageID,x1=XMin,y1=YMin,x2=XMax,y2=YMax,class=LabelName,score=Confidence"
    ),
    # pandas, our own columns under other names
    "frame,x1,y1,x2,y2": "frame=frame,x1=x1,y1=y1,x2=x2,y2=y2",
    "Frame ID;Track ID;bb_left;bb_top;bb_width;bb_height;conf": (
        "frame=Frame ID,x=bb_left,y=bb_top,w=bb_width,h=bb_height,score=conf,track=Track ID"
    ),
    "image,label,x_center,y_center,width,height": "image=image,cx=x_center,cy=y_center,w=width,h=height,class=label",
    "frame,x0,y0,x1,y1,label": "frame=frame,x1=x0,y1=y0,x2=x1,y2=y1,class=label",
    "image_path,bbox_x1,bbox_y1,bbox_x2,bbox_y2": "image=image_path,x1=bbox_x1,y1=bbox_y1,x2=bbox_x2,y2=bbox_y2",
    "video,frame,xyxy,score": "frame=frame,video=video,xyxy=xyxy,score=score",
}


@pytest.mark.parametrize("header", HEADERS)
def test_headers_of_tools_are_recognised(header):
    names = header.split(";" if ";" in header else ",")
    [found] = guess_columns(names).maps
    assert found.spec() == HEADERS[header]
    assert parse_columns(found.spec()) == found
    assert not found.problem()


@pytest.mark.parametrize("header", ["a,b,c,d", "frame,x,y", "name,address,phone", "frameID,iou", "x1,y1,x2"])
def test_other_headers_are_no_boxes(header):
    assert not guess_columns(header.split(",")).maps


@pytest.mark.parametrize(
    ("header", "layouts"), [("frame,x,y,w,h", ("x", "cx")), ("image,bbox", ("xywh", "xyxy", "cxcywh"))]
)
def test_names_that_leave_it_open_have_several_readings(header, layouts):
    assert tuple(one.layout[0] for one in guess_columns(header.split(",")).maps) == layouts


def test_two_columns_of_one_name_are_told():
    guess = guess_columns(["frame", "x1", "y1", "x2", "y2", "X1"])
    assert guess.double == ("x1", "X1")


def test_an_id_is_only_a_possible_track():
    guess = guess_columns(["id", "frame", "x1", "y1", "x2", "y2"])
    assert guess.row_id == "id"
    assert Role.TRACK not in guess.maps[0].names
    assert not guess_columns(["id", "track_id", "frame", "x1", "y1", "x2", "y2"]).row_id


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("frame=f", "no columns for the four numbers"),
        ("x1=a,y1=b,x2=c,y2=d", "no column for the frame"),
        ("frame=f,x1=a,y1=b,x2=c,y2=d,w=e", "more columns for a box"),
        ("frame=f,frame=g,xyxy=b", "frame occurs twice"),
        ("frame=f,xyxy=b,colour=c", "'colour=c' is not ROLE=COLUMN"),
        ("frame=f,xyxy=b,units=miles", "'miles' is not one of pixels, relative, percent"),
        ("frame", "'frame' is not ROLE=COLUMN"),
    ],
)
def test_a_wrong_mapping_is_refused(spec, said):
    with pytest.raises(UserError, match=said):
        parse_columns(spec)


def test_a_mapping_finds_its_columns_without_regard_to_case():
    found = find_columns(parse_columns("frame=FRAME,xyxy=Box"), ["frame", "box"])
    assert found.spec() == "frame=frame,xyxy=box"
    with pytest.raises(UserError, match="no column is named 'Box'"):
        find_columns(parse_columns("frame=frame,xyxy=Box"), ["frame", "bboxes"])
    with pytest.raises(UserError, match="two columns are named"):
        find_columns(parse_columns("frame=F,xyxy=box"), ["f", "f ", "box"])


def test_names_with_commas_are_quoted():
    found = parse_columns('frame=f,"xyxy=box, in pixels"')
    assert found.names[Role.XYXY] == "box, in pixels"
    assert parse_columns(found.spec()) == found


def test_headers_are_the_same_whatever_their_case():
    assert header_key(["Frame ", "X1"]) == header_key(["frame", "x1"]) != header_key(["x1", "frame"])
