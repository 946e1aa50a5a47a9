/* export_c_parts.h - the C functions that exported programs are made of. Images are channels first;
 * what lies outside of one counts as 0, or not at all. */
#ifndef EXPORT_C_PARTS_H
#define EXPORT_C_PARTS_H

#define WINDOW_PART \
    "struct window {\n" \
    "    int channels, h, w, out_h, out_w, kernel_h, kernel_w;\n" \
    "    int stride_h, stride_w, top, left, dilation_h, dilation_w;\n" \
    "};\n" \
    "\n"

#define CONV_PART \
    "static void conv(const float *restrict x, const float *restrict weight, const float *bias,\n" \
    "                 float *restrict y, const struct window *v, int filters, int groups)\n" \
    "{\n" \
    "    const int depth = v->channels / groups, n = v->out_h * v->out_w;\n" \
    "\n" \
    "    for (int f = 0; f < filters; f++, y += n) {\n" \
    "        const float *plane = x + f / (filters / groups) * depth * v->h * v->w;\n" \
    "        for (int i = 0; i < n; i++)\n" \
    "            y[i] = bias ? bias[f] : 0;\n" \
    "        for (int c = 0; c < depth; c++, plane += v->h * v->w)\n" \
    "            for (int a = 0; a < v->kernel_h * v->kernel_w; a++) {\n" \
    "                const float k = *weight++;\n" \
    "                const int top = a / v->kernel_w * v->dilation_h - v->top;\n" \
    "                const int left = a % v->kernel_w * v->dilation_w - v->left;\n" \
    "                int first = 0, end = v->out_w;\n" \
    "                while (first < end && first * v->stride_w + left < 0)\n" \
    "                    first++;\n" \
    "                while (end > first && (end - 1) * v->stride_w + left >= v->w)\n" \
    "                    end--;\n" \
    "                for (int i = 0; i < v->out_h; i++) {\n" \
    "                    const int r = i * v->stride_h + top;\n" \
    "                    if (r < 0 || r >= v->h)\n" \
    "                        continue;\n" \
    "                    const float *row = plane + r * v->w;\n" \
    "                    float *to = y + i * v->out_w;\n" \
    "                    if (v->stride_w == 1)\n" \
    "                        for (int j = first; j < end; j++)\n" \
    "                            to[j] += k * row[j + left];\n" \
    "                    else\n" \
    "                        for (int j = first; j < end; j++)\n" \
    "                            to[j] += k * row[j * v->stride_w + left];\n" \
    "                }\n" \
    "            }\n" \
    "    }\n" \
    "}\n" \
    "\n"

#define GEMM_PART \
    "static void gemm(const float *x, const float *weight, const float *bias, float *y, int in,\n" \
    "                 int out)\n" \
    "{\n" \
    "    for (int o = 0; o < out; o++, weight += in) {\n" \
    "        float part[8] = {0}, sum = bias ? bias[o] : 0;\n" \
    "        int i = 0;\n" \
    "        for (; i + 8 <= in; i += 8)\n" \
    "            for (int k = 0; k < 8; k++)\n" \
    "                part[k] += x[i + k] * weight[i + k];\n" \
    "        for (; i < in; i++)\n" \
    "            sum += x[i] * weight[i];\n" \
    "        for (int k = 0; k < 8; k++)\n" \
    "            sum += part[k];\n" \
    "        y[o] = sum;\n" \
    "    }\n" \
    "}\n" \
    "\n"

#define BATCHNORM_PART \
    "static void normalize_batch(const float *x, const float *weight, const float *bias,\n" \
    "                            const float *mean, const float *var, float *y, int channels, " \
    "int n,\n" \
    "                            float eps)\n" \
    "{\n" \
    "    for (int c = 0; c < channels; c++)\n" \
    "        for (int i = 0; i < n; i++, x++)\n" \
    "            *y++ = (*x - mean[c]) / sqrtf(var[c] + eps) * weight[c] + bias[c];\n" \
    "}\n" \
    "\n"

#define LAYERNORM_PART \
    "static void normalize_layer(const float *x, const float *weight, const float *bias, float " \
    "*y,\n" \
    "                            int n, float eps)\n" \
    "{\n" \
    "    double mean = 0, var = 0;\n" \
    "\n" \
    "    for (int i = 0; i < n; i++)\n" \
    "        mean += x[i] / (double)n;\n" \
    "    for (int i = 0; i < n; i++)\n" \
    "        var += (x[i] - mean) * (x[i] - mean) / n;\n" \
    "    for (int i = 0; i < n; i++)\n" \
    "        y[i] = (float)((x[i] - mean) / sqrt(var + eps)) * (weight ? weight[i] : 1) +\n" \
    "               (bias ? bias[i] : 0);\n" \
    "}\n" \
    "\n"

#define MAXPOOL_PART \
    "static void max_pool(const float *x, float *y, const struct window *v)\n" \
    "{\n" \
    "    for (int c = 0; c < v->channels; c++, x += v->h * v->w)\n" \
    "        for (int at = 0; at < v->out_h * v->out_w; at++) {\n" \
    "            float best = -INFINITY;\n" \
    "            for (int a = 0; a < v->kernel_h * v->kernel_w; a++) {\n" \
    "                const int r = at / v->out_w * v->stride_h + a / v->kernel_w * v->dilation_h " \
    "- " \
    "v->top;\n" \
    "                const int s = at % v->out_w * v->stride_w + a % v->kernel_w * v->dilation_w " \
    "- " \
    "v->left;\n" \
    "                if (r >= 0 && r < v->h && s >= 0 && s < v->w)\n" \
    "                    best = best > x[r * v->w + s] || best != best ? best : x[r * v->w + " \
    "s];\n" \
    "            }\n" \
    "            *y++ = best;\n" \
    "        }\n" \
    "}\n" \
    "\n"

#define AVERAGEPOOL_PART \
    "static void average_pool(const float *x, float *y, const struct window *v, int all)\n" \
    "{\n" \
    "    for (int c = 0; c < v->channels; c++, x += v->h * v->w)\n" \
    "        for (int at = 0; at < v->out_h * v->out_w; at++) {\n" \
    "            float sum = 0;\n" \
    "            int n = 0;\n" \
    "            for (int a = 0; a < v->kernel_h * v->kernel_w; a++) {\n" \
    "                const int r = at / v->out_w * v->stride_h + a / v->kernel_w - v->top;\n" \
    "                const int s = at % v->out_w * v->stride_w + a % v->kernel_w - v->left;\n" \
    "                if (r >= 0 && r < v->h && s >= 0 && s < v->w) {\n" \
    "                    sum += x[r * v->w + s];\n" \
    "                    n++;\n" \
    "                }\n" \
    "            }\n" \
    "            *y++ = sum / (float)(all ? v->kernel_h * v->kernel_w : n ? n : 1);\n" \
    "        }\n" \
    "}\n" \
    "\n"

#define GLOBALPOOL_PART \
    "static void average_planes(const float *x, float *y, int channels, int n)\n" \
    "{\n" \
    "    for (int c = 0; c < channels; c++) {\n" \
    "        double sum = 0;\n" \
    "        for (int i = 0; i < n; i++)\n" \
    "            sum += *x++;\n" \
    "        y[c] = (float)(sum / n);\n" \
    "    }\n" \
    "}\n" \
    "\n"

#define SOFTMAX_PART \
    "static void softmax(const float *x, float *y, int n)\n" \
    "{\n" \
    "    float most = x[0], sum = 0;\n" \
    "\n" \
    "    for (int i = 1; i < n; i++)\n" \
    "        most = x[i] > most ? x[i] : most;\n" \
    "    for (int i = 0; i < n; i++)\n" \
    "        sum += y[i] = expf(x[i] - most);\n" \
    "    for (int i = 0; i < n; i++)\n" \
    "        y[i] /= sum;\n" \
    "}\n" \
    "\n"

#endif
