from records import make_example

from stmt_tf.models.create import made_up_example


def test_made_up_example_has_the_shapes_of_a_real_one():
    made, real = made_up_example(32, 2, 3, 4), make_example(batch=4, sources=2, targets=3)
    assert {name: x.shape for name, x in made.items()} == {name: x.shape for name, x in real.items()}
