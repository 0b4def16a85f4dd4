"""Fine-tuning on one video."""
