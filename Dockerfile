# An image of the commands and of the page, on the current line of TensorFlow.
#
#   docker build -t stmt_tf .
#   docker build -t stmt_tf:gpu --build-arg EXTRAS=current,app,gpu .
#
# The second brings CUDA's libraries; the host needs NVIDIA's driver and its container toolkit, for `docker run --gpus=all`.
FROM python:3.11-slim-bookworm

ARG EXTRAS=current,app

# What OpenCV and MediaPipe load.
RUN apt-get update \
    && apt-get install -y --no-install-recommends libegl1 libgl1 libgles2 libglib2.0-0 \
    && rm -rf /var/lib/apt/lists/*

WORKDIR /src
COPY setup.py pyproject.toml README.md LICENSE ./
COPY configs configs
COPY dancers dancers
COPY saved_models saved_models
COPY stmt_tf stmt_tf
COPY tfrecords_tools tfrecords_tools
RUN pip install --no-cache-dir ".[${EXTRAS}]"

# Whoever runs the image, as `--user` says, finds the pose estimator and may add to the cache.
ENV STMT_TF_CACHE=/cache HOME=/tmp PYTHONUNBUFFERED=1
RUN python -m stmt_tf.assets fetch pose_landmarker && chmod -R a+rwX /cache

# Where people mount their videos.
WORKDIR /work
EXPOSE 7860
ENTRYPOINT ["stmt-tf"]
CMD ["--help"]
