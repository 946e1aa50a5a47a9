#include "verify/ref_device.h"
