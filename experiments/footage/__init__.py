"""Whether somebody was filmed as others were, and the metric that is shipped."""
