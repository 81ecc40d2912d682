"""From landmarks to gait: features, events, parameters, quality."""
