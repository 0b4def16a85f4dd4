"""What a model directory's SavedModel offers. Axes: B batch, N source frames, L target frames, H = W their side.

    signature         takes                                                    gives
    serving_default   source_jpeg_bytes [B, N], source_joints, target_joints   frame_jpeg_bytes [B, L]
    transfer          source_frames, source_joints, target_joints              frame
    encode_source     source_frames, source_joints (, source_mattes)           the source's features, by name
    generate          those features, target_joints                            frame, foreground, background, mask,
                                                                               attention maps, and of the paper's
                                                                               models warped

Frames and masks are uint8 `[B, N or L, H, W, 3 or 1]`, JPEG pictures strings; joints float32 `[B, N or L, 14, 3]`,
(x, y, confidence) in pixels of the frames; mattes float32 `[B, N, H, W, 1]`, 1 on the person, negative where not known.
A model server sends what ends in `_bytes` as base64 in JSON. `encode_source` is for once a source, `generate` for each
handful of its target frames.

The paper's models take frames of their own side, and at most the K that their attention was built for; fewer are shown
to them in turn. A model of attention over frames and parts takes any number, of any multiple of its network's side, and
gives frames of that size; its `encode_source` also takes mattes, or none: `[B, 0, H, W, 1]`. It chooses the source
frames of each part for each pose by itself. Who wants them to change seldom calls the SavedModel's function `affinity`
and adds the difference to other affinities to the feature `preference` (see `stmt_tf.pose.steady_choice`). Its
functions `choose` and `decide` are what is between the warps, for who carries pixels over by other means than the graph
(see `stmt_tf.serving.frame_size`).

What cannot be used (more frames, pictures that are no JPEG or of another size, joints that are not finite or absurdly
far off, mattes above 1) is an InvalidArgumentError that says so.
"""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

from stmt_tf.models.frame_size import Choice, Decided
from stmt_tf.models.generator import Generator
from stmt_tf.models.part_generator import PartGenerator
from stmt_tf.models.warp import affine_warp, forward_warp
from stmt_tf.pixels import from_uint8, share_to_uint8, to_uint8
from stmt_tf.pose.skeleton import NUM_JOINTS, NUM_PARTS
from stmt_tf.serving import jpeg
from stmt_tf.serving.checks import source_checks, usable
from stmt_tf.serving.weights import stored_as

ATTENTION_MAPS = ("foreground_attention", "background_attention", "part_attention")
_PICTURES = tf.TensorSpec([None, None], tf.string, "source_jpeg_bytes")
_MATTES = tf.TensorSpec([None, None, None, None, 1], tf.float32, "source_mattes")
_SOURCE_JOINTS = tf.TensorSpec([None, None, NUM_JOINTS, 3], tf.float32, "source_joints")
_TARGET_JOINTS = tf.TensorSpec([None, None, NUM_JOINTS, 3], tf.float32, "target_joints")


def servable(
    generator: Generator | PartGenerator, weights: str = "float32"
) -> tuple[tf.Module, dict[str, Callable]]:
    """The generator's functions and weights, without Keras's own records of its layers.

    Args:
        generator: the model.
        weights: how its weights are stored, see `stmt_tf.serving.weights`.

    Returns:
        A `tf.Module` with the functions `encode_source(source_frames, source_joints, ...)` and `generate(source,
        target_joints)`, of a model of any frame size also `affinity`, `choose` and `decide` (see
        `stmt_tf.serving.inference`); and the signatures by name.
    """
    encode, second = _cores(generator, weights)
    module = tf.Module()
    # All are traced here: what is not would be traced while it is saved, and with it what it calls, to be stored twice.
    module.encode_source = _encode_source(generator, encode).get_concrete_function()
    source = _source_specs(module.encode_source.structured_outputs)

    def traced(function):
        return tf.function(function, input_signature=[source, _TARGET_JOINTS], autograph=False).get_concrete_function()

    def checked(function):
        def with_checks(source, target_joints):
            asked = tf.debugging.Assert(tf.size(target_joints) > 0, ["target_joints must hold a pose at least"])
            with tf.control_dependencies([asked]):
                joints = usable(target_joints, "target_joints", _side(source))
            return function(source, joints)

        return with_checks

    def merged(source, target_joints):
        choice = Choice(**module.choose(source, target_joints))
        warped = generator.warped_parts(source, choice, forward_warp)
        decided = Decided(**module.decide(choice._asdict(), warped))
        return as_images(generator.merged(source, choice, decided, tf.shape(target_joints)[1]))

    if isinstance(generator, PartGenerator):
        module.affinity = traced(generator.affinity)
        module.choose = traced(checked(lambda source, joints: generator.choose(source, joints)._asdict()))
        module.decide = tf.function(second, input_signature=_parts_specs(generator), autograph=False)
        module.decide = module.decide.get_concrete_function()
        module.generate = traced(merged)
    else:
        module.generate = traced(checked(second))
    signatures = _signatures(module, source, _fixed_side(generator))
    module.weights = signatures["transfer"].variables
    return module, signatures


def _fixed_side(generator: Generator | PartGenerator) -> int | None:
    """Side in pixels of the frames that a model takes; None of one of any size."""
    return None if isinstance(generator, PartGenerator) else generator.size


def _frames_of(side: int | None) -> tf.TensorSpec:
    return tf.TensorSpec([None, None, side, side, 3], tf.uint8, "source_frames")


def _encode_source(generator: Generator | PartGenerator, encode: Callable) -> Callable:
    """The function `encode_source` of a model: `encode` with checks of what it is given."""
    size, fixed, frames = generator.size, generator.num_source_frames, _frames_of(_fixed_side(generator))

    def encoded(source_frames, source_joints, *source_mattes):
        joints = usable(source_joints, "source_joints", tf.shape(source_frames)[2])
        with tf.control_dependencies(source_checks(source_frames, joints, fixed, size, *source_mattes)):
            images, joints = from_uint8(source_frames), tf.identity(joints)
        if fixed is not None:
            images, joints = _in_turn(images, fixed), _in_turn(joints, fixed)
        return encode(images, joints, *(_or_unknown(given, images) for given in source_mattes))

    if isinstance(generator, PartGenerator):

        @tf.function(input_signature=[frames, _SOURCE_JOINTS, _MATTES], autograph=False)
        def encode_source(source_frames, source_joints, source_mattes):
            return encoded(source_frames, source_joints, source_mattes)

    else:

        @tf.function(input_signature=[frames, _SOURCE_JOINTS], autograph=False)
        def encode_source(source_frames, source_joints):
            return encoded(source_frames, source_joints)

    return encode_source


def _signatures(module: tf.Module, source: dict[str, tf.TensorSpec], side: int | None) -> dict[str, Callable]:
    """What model servers call, by names, of a module that has `encode_source` and `generate`.

    Args:
        module: the model.
        source: what its `encode_source` gives.
        side: of the frames that it takes; None: any, and mattes, too.
    """

    @tf.function(autograph=False)
    def generate_flat(target_joints, **source):
        return module.generate(source, target_joints)

    @tf.function(input_signature=[_frames_of(side), _SOURCE_JOINTS, _TARGET_JOINTS], autograph=False)
    def transfer(source_frames, source_joints, target_joints):
        no_mattes = [tf.cast(source_frames[:, :0, ..., :1], tf.float32)] if side is None else []
        source = module.encode_source(source_frames, source_joints, *no_mattes)
        return {"frame": module.generate(source, target_joints)["frame"]}

    @tf.function(input_signature=[_PICTURES, _SOURCE_JOINTS, _TARGET_JOINTS], autograph=False)
    def transfer_pictures(source_jpeg_bytes, source_joints, target_joints):
        made = transfer(jpeg.decoded(source_jpeg_bytes, side), source_joints, target_joints)["frame"]
        return {"frame_jpeg_bytes": jpeg.encoded(made)}

    return {
        "serving_default": transfer_pictures.get_concrete_function(),
        "transfer": transfer.get_concrete_function(),
        "encode_source": module.encode_source,
        "generate": generate_flat.get_concrete_function(target_joints=_TARGET_JOINTS, **source),
    }


def _cores(generator: Generator | PartGenerator, weights: str) -> tuple[Callable, Callable]:
    """The two functions of the model that have weights, without checks; they read them as these are stored.

    The second one makes of a source and target joints what `image_outputs` does, or, of a model of any frame size,
    decides of a choice and warped parts.
    """
    encode, second = generator.encode_source, _second_half(generator)
    if weights == "float32":
        return encode, second
    side, sources = _fixed_side(generator), generator.num_source_frames
    arguments = [tf.TensorSpec([None, sources, side, side, 3]), tf.TensorSpec([None, sources, NUM_JOINTS, 3])]
    if side is None:
        arguments.append(tf.TensorSpec([None, None, None, None, 1]))
    encode = tf.function(encode, autograph=False).get_concrete_function(*arguments)
    if side is None:
        given = _parts_specs(generator)
    else:
        given = _source_specs(encode.structured_outputs), tf.TensorSpec([None, None, NUM_JOINTS, 3], tf.float32)
    second = tf.function(second, autograph=False).get_concrete_function(*given)
    return stored_as(weights, encode), stored_as(weights, second)


def _second_half(generator: Generator | PartGenerator) -> Callable:
    if isinstance(generator, PartGenerator):
        return lambda choice, warped: generator.decide(Choice(**choice), warped)._asdict()
    return lambda source, joints: image_outputs(generator, source, joints, forward_warp)


def _parts_specs(generator: PartGenerator) -> tuple[dict[str, tf.TensorSpec], tf.TensorSpec]:
    """Of what `decide` takes: the fields of a `Choice`, and warped parts."""
    of_parts = [None, None, NUM_PARTS]
    choice = Choice(
        joints=tf.TensorSpec([None, NUM_JOINTS, 3], tf.float32, "joints"),
        frames=tf.TensorSpec(of_parts, tf.int32, "frames"),
        shares=tf.TensorSpec(of_parts, tf.float32, "shares"),
        transforms=tf.TensorSpec([*of_parts, 6], tf.float32, "transforms"),
    )
    return choice._asdict(), tf.TensorSpec([None, None, generator.size, generator.size, 5], tf.float32, "warped")


def _source_specs(features: dict[str, tf.Tensor]) -> dict[str, tf.TensorSpec]:
    specs = {name: tf.TensorSpec(x.shape, x.dtype, name) for name, x in features.items()}
    if "preference" in specs:  # it may be told for each target frame
        specs["preference"] = tf.TensorSpec([None, None, None, NUM_PARTS], tf.float32, "preference")
    return specs


def image_outputs(
    generator: Generator | PartGenerator,
    source: dict[str, tf.Tensor],
    target_joints: tf.Tensor,
    warp: Callable = affine_warp,
) -> dict[str, tf.Tensor]:
    """What `Generator.generate` makes, with its images and its mask as uint8."""
    return as_images(generator.generate(source, target_joints, warp))


def as_images(outputs: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    """What `Generator.generate` gives, with its images and its mask as uint8."""
    mask = outputs.pop("mask")
    maps = {name: outputs.pop(name) for name in ATTENTION_MAPS if name in outputs}
    images = {name: to_uint8(image) for name, image in outputs.items()}
    return {**images, **maps, "mask": share_to_uint8(mask)}


def _side(source: dict[str, tf.Tensor]) -> tf.Tensor:
    """Side in pixels of the frames that a source's features are of."""
    return tf.shape(source["background" if "background" in source else "background_base"])[1]


def _or_unknown(mattes: tf.Tensor, frames: tf.Tensor) -> tf.Tensor:
    """The mattes `[B, N or 0, H, W, 1]` of frames `[B, N, H, W, 3]`, -1 everywhere if none are given."""
    return tf.cond(tf.shape(mattes)[1] == 0, lambda: -tf.ones_like(frames[..., :1]), lambda: mattes)


def _in_turn(x: tf.Tensor, count: int) -> tf.Tensor:
    """`[B, K, ...]` to `[B, count, ...]`: fewer than `count` are repeated in turn."""
    return tf.gather(x, tf.range(count) % tf.shape(x)[1], axis=1)
