"""Steps 2 and 3: how far the inputs and the predictions have moved from the reference, and whether that can be chance."""
