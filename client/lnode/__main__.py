from lnode.cli import main

main()
