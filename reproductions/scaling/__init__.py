"""Several devices: DistributedDataParallel against MirroredStrategy at the same global batch."""
