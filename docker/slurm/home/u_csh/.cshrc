# Noise in every csh, with or without a terminal. The last words end without a newline.
echo 'Lmod is automatically replacing "intel" with "gcc".'
sh -c 'echo "stty: standard input: Inappropriate ioctl for device" >&2'
echo -n 'Disk quota: 93% used '
unsetenv LC_ALL
setenv LANG C
