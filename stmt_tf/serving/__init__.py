"""The generator as a model server takes it: signatures, versions, warm-up requests, the proof that an export works."""
