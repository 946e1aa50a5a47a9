#include "verify/rig.h"
