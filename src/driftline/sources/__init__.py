"""Where tables come from: files and frames, each a stream of Arrow batches."""
