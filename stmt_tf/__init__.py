"""Human motion transfer between two videos.

Importing the package prepares the process for TensorFlow (`stmt_tf.compat`) and imports nothing heavy.

Reference:
    "Multi-Frame Content Integration with a Spatio-Temporal Attention Mechanism for Person Video Motion
    Transfer".
"""

from stmt_tf import compat

__version__ = "0.1.0"

compat.prepare_environment()
