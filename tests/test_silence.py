import os
import threading

from stmt_tf.silence import quiet_stderr


def test_the_last_of_those_who_asked_for_silence_ends_it(capfd):
    meanwhile = threading.Barrier(2, timeout=60)

    def other():
        with quiet_stderr:
            meanwhile.wait()  # the first one is silent, too
            meanwhile.wait()  # the first one has ended
            os.write(2, b"lost")
        meanwhile.wait()

    thread = threading.Thread(target=other)
    with quiet_stderr:
        thread.start()
        meanwhile.wait()
    meanwhile.wait()
    meanwhile.wait()
    os.write(2, b"heard")
    thread.join()
    assert capfd.readouterr().err == "heard"
