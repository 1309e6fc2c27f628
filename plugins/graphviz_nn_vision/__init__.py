"""Views of images: feature maps, convolution filters, attention weights. A plugin of `graphviz_nn` like any other."""
