// Tests of the detectors.
