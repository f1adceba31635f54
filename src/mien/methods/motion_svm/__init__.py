"""The method of the default recogniser: an SVM on motion without its scale, learnt from synthetic motion."""
