/** Files of Triton's examples, in form. */

/** `densenet_onnx`, smaller, and with the output as the model has it: its reshape is refused. */
export const DENSENET = `name: "densenet_onnx"
platform: "onnxruntime_onnx"
max_batch_size : 0
input [
  {
    name: "data_0"
    data_type: TYPE_FP32
    format: FORMAT_NCHW
    dims: [ 3, 2, 2 ]
    reshape { shape: [ 1, 3, 2, 2 ] }
  }
]
output [
  {
    name: "fc6_1"
    data_type: TYPE_FP32
    dims: [ 1, 3, 2, 2 ]
    label_filename: "densenet_labels.txt"
  }
]
`
