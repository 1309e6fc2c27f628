"""Views of images: feature maps, convolution filters, input images. A plugin of `graphviz_nn` like any other."""
