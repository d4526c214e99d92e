"""Names of the metrics' protocols as written to JSON results: file values, never translated."""

AP_PROTOCOL = "COCO (pycocotools 2.0): continuous, 101 recall points, 100 detections a frame and class"
REVIEW_WITHIN_CLASS = "assignment of the greatest sum of IoU, one to one, within one class"
REVIEW_ANY_CLASS = "assignment of the greatest sum of IoU, one to one, whatever the class"
ERROR_PROTOCOL = "TIDE: IoU 0.5, background 0.1, 100 detections a frame"
