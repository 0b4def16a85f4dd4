"""Records of clips and the input pipeline over them."""
