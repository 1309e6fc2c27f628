"""`python -m graphviz_nn` is the command `graphviz-nn`."""

from graphviz_nn.cli.main import main

if __name__ == "__main__":
    main()
